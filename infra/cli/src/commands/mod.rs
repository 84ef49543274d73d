//! The commands, one file each.

mod b3;
mod fetch;
mod parked;
mod queries;
mod query;
mod redrive;
mod refine;
mod run;

use anyhow::Result;
use harness::{checkout::Workspace, stack::Stack};

pub(crate) use self::{
    b3::b3, fetch::fetch, parked::parked, queries::queries, query::query, redrive::redrive,
    refine::refine, run::run,
};
use crate::{account::Account, args::StackArgs, running_stack::RunningStack};

/// Does `work` on the stack in AWS that `--stack` names, or else on the local one that is up.
async fn with_stack(args: &StackArgs, work: impl AsyncFnOnce(Stack) -> Result<()>) -> Result<()> {
    let Some(name) = &args.stack else {
        return work(RunningStack::find(&Workspace::locate()?)?.stack()).await;
    };
    let account = Account::from_environment().await?;
    let done = match Stack::describe(account.clients(), name).await {
        Ok(stack) => work(stack).await,
        Err(error) => Err(error),
    };
    done.map_err(|error| account.explain(error, name))
}
