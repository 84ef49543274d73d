//! What the server has to serve, and what was requested.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{
    day::{Day, next_session},
    reply::Reply,
};

/// The only index of the bundled sample.
pub const SAMPLE_INDEX: &str = "IBOV";

/// A client's request, decoded from the base64 in the path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReceivedRequest {
    /// `pt-br` or `en-us`.
    pub language: String,
    /// Counts from 1.
    pub page_number: usize,
    pub page_size: usize,
    pub index: String,
    /// `1` without sectors, `2` with.
    pub segment: String,
}

/// Shared by both ports.
#[derive(Debug, Clone, Default)]
pub(super) struct State(Arc<Mutex<Script>>);

#[derive(Debug)]
pub(super) struct Script {
    pub(super) days: HashMap<String, Day>,
    /// Served as IBOV if a test published no other.
    pub(super) sample: Option<Day>,
    /// The sample's date, once it was set.
    pub(super) date: Option<NaiveDate>,
    pub(super) page_cap: Option<usize>,
    pub(super) always: Reply,
    pub(super) next: VecDeque<Reply>,
    pub(super) requests: Vec<ReceivedRequest>,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            days: HashMap::new(),
            sample: None,
            date: None,
            page_cap: None,
            always: Reply::Portfolio,
            next: VecDeque::new(),
            requests: Vec::new(),
        }
    }
}

impl State {
    pub(super) fn lock(&self) -> MutexGuard<'_, Script> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Script {
    pub(super) fn day(&self, index: &str) -> Option<Day> {
        let sample = || self.sample.clone().filter(|_| index == SAMPLE_INDEX);
        let dated = |sample: Day| sample.dated(self.date.unwrap_or_else(next_session));
        self.days.get(index).cloned().or_else(|| sample().map(dated))
    }

    pub(super) fn take_reply(&mut self) -> Reply {
        self.next.pop_front().unwrap_or_else(|| self.always.clone())
    }

    /// Takes the reply only if it is a reset, which has to happen before a request is read.
    pub(super) fn take_reset(&mut self) -> bool {
        match self.next.front() {
            Some(Reply::Reset) => self.next.pop_front().is_some(),
            Some(_) => false,
            None => self.always == Reply::Reset,
        }
    }
}
