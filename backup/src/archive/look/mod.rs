//! What an archive holds, found by reading it.

pub(crate) mod at_rest;
pub(crate) mod contents;

pub(crate) mod delta;
pub(crate) mod original;

pub(crate) mod assemble;
pub(crate) mod same_rows;
pub(crate) mod whole;

pub(crate) mod whose;

pub(crate) mod bad_days;

pub(crate) mod list;

pub(crate) mod elsewhere;
mod unnamed;
mod unread;

pub(crate) mod tail;

pub(crate) mod is_archived;
pub(crate) mod known_time;
pub(crate) mod mends;
pub(crate) mod parting;
pub(crate) mod past;
pub(crate) mod recall;
pub(crate) mod report;

pub(crate) mod verify;

pub(crate) mod second_look;
