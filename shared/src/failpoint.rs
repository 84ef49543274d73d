//! Failpoints: named places where a test can kill a function, right before or right after a durable side effect. Not
//! part of release builds.
//!
//! The file `$FAILPOINTS_DIR/<function name>/<failpoint>` arms a failpoint. A process that reaches the failpoint
//! deletes the file, adds the name to the file `hits` beside it, and aborts: nothing is flushed, answered or cleaned
//! up. Only one process can delete the file, so a failpoint fires once however many processes reach it.

/// The side effects with failpoints, named `before-<effect>` and `after-<effect>`.
pub const EFFECTS: [&str; 12] = [
    "put-landing",
    "put-rejected",
    "put-raw",
    "mark",
    "empty-mark",
    "forget-done",
    "set-told",
    "start-run",
    "publish",
    "park",
    "park-dates",
    "postpone",
];

/// Aborts if a test has armed this failpoint. `side` is `before` or `after`, `effect` one of [`EFFECTS`] or, in the
/// operator's tool, `redrive-send` or `redrive-delete`.
#[cfg(debug_assertions)]
pub fn pass(side: &str, effect: &str) {
    use std::{env, fs, io::Write, path::Path};

    let (Ok(folder), Ok(function)) =
        (env::var("FAILPOINTS_DIR"), env::var("AWS_LAMBDA_FUNCTION_NAME"))
    else {
        return;
    };
    let folder = Path::new(&folder).join(function);
    let name = format!("{side}-{effect}");
    if fs::remove_file(folder.join(&name)).is_ok() {
        let hits = fs::OpenOptions::new().create(true).append(true).open(folder.join("hits"));
        // An error needs no report here: a test that finds no hit fails.
        let _ = hits.and_then(|mut hits| writeln!(hits, "{name}"));
        std::process::abort();
    }
}

#[cfg(not(debug_assertions))]
#[inline]
pub fn pass(_side: &str, _effect: &str) {}

/// Runs an effect between its two failpoints.
pub async fn around<T>(effect: &'static str, work: impl Future<Output = T>) -> T {
    pass("before", effect);
    let result = work.await;
    pass("after", effect);
    result
}
