//! Promises about the source itself, held by tests: its order, its dependencies, its documents.

mod workspace;

mod attributes;

mod methods;

mod reader;

mod source;

mod deny;
mod dependencies;
mod documents;
mod order;
mod orphans;
