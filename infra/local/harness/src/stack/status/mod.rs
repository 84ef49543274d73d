//! How a stack is: what its lake holds, what waits, what is parked, and whether anybody would hear of a failure.
//!
//! All questions are asked at once. A question that is not answered, as where a right is missing, takes none of the
//! other answers away.

mod alarms;
mod answers;
mod described;
mod lake;
mod mail;
mod queues;
mod runs;
mod schedules;
mod session;
mod verdict;

use anyhow::{Context as _, Result};
use chrono::{DateTime, Utc};
use futures::join;

pub use self::{
    alarms::Alarm,
    answers::{Answers, Question, Unknown},
    described::Described,
    lake::Lake,
    mail::Subscription,
    queues::StageQueues,
    runs::RunSummary,
    schedules::Schedule,
    session::expected_session,
    verdict::{Problem, problems},
};
use crate::{
    aws::{explain, is_denied},
    stack::Stack,
};

/// Asks everything about a stack.
///
/// # Errors
/// If the stack itself cannot be described.
pub async fn ask(stack: &Stack, now: DateTime<Utc>) -> Result<Answers> {
    let (described, queues, runs, alarms, mail, schedules) = join!(
        async {
            let described = describe(stack).await?;
            let lake = lake::read(stack, &described).await;
            anyhow::Ok((described, lake))
        },
        queues::read(stack, now),
        runs::read(stack),
        alarms::on(stack),
        mail::subscriptions(stack),
        schedules::read(stack),
    );
    let (described, lake) = described?;
    let mut unknown = Vec::new();
    Ok(Answers {
        stack: stack.name.clone(),
        asked_at: now,
        expected: expected_session(now, &described),
        described,
        lake: known(Question::Lake, lake, &mut unknown),
        stages: known(Question::Queues, queues, &mut unknown),
        runs: known(Question::Runs, runs, &mut unknown),
        alarms: known(Question::Alarms, alarms, &mut unknown),
        mail: known(Question::Mail, mail, &mut unknown),
        schedules: known(Question::Schedules, schedules, &mut unknown),
        unknown,
    })
}

fn known<T>(what: Question, answer: Result<T>, unknown: &mut Vec<Unknown>) -> Option<T> {
    let note = |error| {
        unknown.push(Unknown { what, why: format!("{error:#}"), is_denied: is_denied(&error) });
    };
    answer.map_err(note).ok()
}

async fn describe(stack: &Stack) -> Result<Described> {
    let request = stack.clients.cloudformation.describe_stacks().stack_name(&stack.name);
    let answer = request.send().await.map_err(explain);
    let answer = answer.with_context(|| format!("cannot read stack {}", stack.name))?;
    let found = answer.stacks().first();
    let found = found.with_context(|| format!("there is no stack named {}", stack.name))?;
    let parameters = found.parameters().iter().filter_map(|parameter| {
        Some((parameter.parameter_key()?.to_owned(), parameter.parameter_value()?.to_owned()))
    });
    let state = found.stack_status().map_or("UNKNOWN", |state| state.as_str()).to_owned();
    Ok(Described { state, parameters: parameters.collect() })
}
