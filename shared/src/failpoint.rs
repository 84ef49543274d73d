//! Failpoints: named places where a test has a function killed, right before or right after something
//! that lasts. Release builds contain none of this.
//!
//! A failpoint is armed by a file `$FAILPOINTS_DIR/<function name>/<failpoint>`. Whoever comes by deletes
//! the file, notes that in `hits` beside it, and dies as a killed process does: nothing is flushed,
//! answered or cleaned up. Deleting is what makes it happen once, however many processes come by.

/// Every side effect that has a failpoint on either side, called `before-<effect>` and
/// `after-<effect>`.
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

/// Dies here if a test asked for it. `before` or `after` one of [`EFFECTS`].
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
        // A test that finds no note fails, which is as good as an error here.
        let _ = hits.and_then(|mut hits| writeln!(hits, "{name}"));
        std::process::abort();
    }
}

/// Nothing, in release builds.
#[cfg(not(debug_assertions))]
#[inline]
pub fn pass(_side: &str, _effect: &str) {}

/// An effect between its two failpoints.
///
/// # Errors
/// Those of the effect.
pub async fn around<T>(effect: &'static str, work: impl Future<Output = T>) -> T {
    pass("before", effect);
    let result = work.await;
    pass("after", effect);
    result
}
