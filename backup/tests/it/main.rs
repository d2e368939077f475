//! The store's behaviours, on real files.
#![allow(clippy::unwrap_used)]

mod clocks;
mod crash;
mod day_travel;
mod days;
mod disks;
mod import_roads;
mod inodes;
mod lesser;
mod moments;
mod owners;
mod questions;
mod record;
mod retention;
mod small_disk;
mod stage;
mod taken_away;
mod travel;
mod vouching;
mod written_over;
mod wrong_clock;

mod archive_damage;
mod archive_damages;
mod archive_doubt;
mod archive_errors;
mod archive_fixtures;
mod archive_forge;
mod archive_full;
mod archive_hazards;
mod archive_identity;
mod archive_irregular;
mod archive_jobs;
mod archive_kill;
mod archive_links;
mod archive_links_locks;
mod archive_links_segments;
mod archive_loop;
mod archive_meaning;
mod archive_mutation;
mod archive_nothing;
mod archive_preview;
mod archive_prune;
mod archive_seed;
mod archive_segments;
mod archive_settings;
mod archive_stage;
mod archive_trust;
mod archive_truth;
mod one_shipper;
mod read_back;
mod restore_in_part;
mod shipped_lost;

mod undo_model;
mod undo_steps;

mod histories;
mod histories_archive;
mod histories_restore;
mod histories_room;
mod histories_rows;
mod histories_steps;
mod histories_store;
mod reader;
mod reader_by_hand;
