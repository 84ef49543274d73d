use super::*;

fn landing(second: u32) -> LandingKey {
    format!(
        "landing/index=IBOV/date=2026-11-20/20261120T1300{second:02}.000Z-0123456789abcdef.json"
    )
    .parse()
    .unwrap()
}

fn recorded(second: u32, hash: &str) -> Option<Recorded> {
    Some(Recorded {
        etag: "\"etag\"".to_owned(),
        landing: Some(landing(second)),
        file_hash: Some(hash.to_owned()),
    })
}

fn replace() -> Decision {
    Decision::Write(Condition::StillETag("\"etag\"".to_owned()))
}

#[test]
fn a_missing_file_is_created() {
    assert_eq!(decide(None, &landing(1), "a"), Decision::Write(Condition::StillAbsent));
}

#[test]
fn a_newer_landing_object_replaces_even_the_same_content() {
    assert_eq!(decide(recorded(1, "a"), &landing(2), "b"), replace());
}

#[test]
fn an_older_landing_object_never_replaces() {
    assert_eq!(decide(recorded(2, "a"), &landing(1), "b"), Decision::Older);
}

#[test]
fn the_same_landing_object_replaces_only_other_bytes() {
    assert_eq!(decide(recorded(1, "a"), &landing(1), "a"), Decision::AlreadyWritten);
    assert_eq!(decide(recorded(1, "a"), &landing(1), "b"), replace());
}

#[test]
fn a_file_of_unknown_origin_is_replaced() {
    let foreign = Recorded { etag: "\"etag\"".to_owned(), landing: None, file_hash: None };
    assert_eq!(decide(Some(foreign), &landing(1), "a"), replace());
}
