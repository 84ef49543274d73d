use std::collections::HashMap;

use shared::{aws::ETag, keys::LandingKey, portfolio::ContentHash};

use super::*;

fn landing(second: u32) -> LandingKey {
    format!(
        "landing/index=IBOV/date=2026-11-20/20261120T1300{second:02}.000Z-0123456789abcdef.json"
    )
    .parse()
    .unwrap()
}

/// The file made from the landing object of this second.
fn file(second: u32, bytes: &str) -> RawMetadata {
    let hash = Some(ContentHash::of_bytes(bytes.as_bytes()));
    RawMetadata { landing: landing(second), content: hash.clone(), file: hash }
}

fn head(metadata: HashMap<String, String>) -> Option<Head> {
    Some(Head { etag: ETag::new("etag"), metadata })
}

fn written(second: u32, bytes: &str) -> Option<Head> {
    head(file(second, bytes).to_map())
}

fn replace() -> Decision {
    Decision::Write(Condition::Unchanged(ETag::new("etag")))
}

#[test]
fn a_missing_file_is_created() {
    assert_eq!(decide(None, &file(1, "a")), Decision::Write(Condition::Absent));
}

#[test]
fn a_newer_landing_object_replaces_even_the_same_content() {
    assert_eq!(decide(written(1, "a"), &file(2, "a")), replace());
}

#[test]
fn an_older_landing_object_never_replaces() {
    assert_eq!(decide(written(2, "a"), &file(1, "b")), Decision::Older);
}

#[test]
fn the_same_landing_object_replaces_only_other_bytes() {
    assert_eq!(decide(written(1, "a"), &file(1, "a")), Decision::AlreadyWritten);
    assert_eq!(decide(written(1, "a"), &file(1, "b")), replace());
}

#[test]
fn a_file_of_unknown_origin_is_replaced() {
    assert_eq!(decide(head(HashMap::new()), &file(1, "a")), replace());
}

mod interleavings {
    //! Every order in which two or three writers of a date can read, write and crash.

    use super::*;

    /// The raw object in memory. The ETag is the number of writes, as if no two files were alike.
    #[derive(Clone, Default)]
    struct Raw {
        writes: u32,
        written: Option<RawMetadata>,
    }

    impl Raw {
        fn head(&self) -> Option<Head> {
            let metadata = self.written.as_ref()?.to_map();
            Some(Head { etag: self.etag(), metadata })
        }

        fn etag(&self) -> ETag {
            ETag::new(&self.writes.to_string())
        }

        fn put(&mut self, file: &RawMetadata, condition: &Condition) -> bool {
            let holds = match condition {
                Condition::Always => panic!("a raw file is never written without a condition"),
                Condition::Absent => self.written.is_none(),
                Condition::Unchanged(etag) => self.written.is_some() && *etag == self.etag(),
            };
            if holds {
                let before = self.written.as_ref().map(|written| &written.landing.stamp);
                assert!(
                    before <= Some(&file.landing.stamp),
                    "an older object overwrote a newer one"
                );
                self.written = Some(file.clone());
                self.writes += 1;
            }
            holds
        }
    }

    #[derive(Clone)]
    enum Writer {
        Reads,
        Writes(Condition),
        Returned,
        Died,
    }

    fn step(writer: &Writer, file: &RawMetadata, raw: &mut Raw) -> Writer {
        match writer {
            Writer::Reads => match decide(raw.head(), file) {
                Decision::Write(condition) => Writer::Writes(condition),
                Decision::AlreadyWritten | Decision::Older => Writer::Returned,
            },
            Writer::Writes(condition) => match raw.put(file, condition) {
                true => Writer::Returned,
                false => Writer::Reads,
            },
            Writer::Returned | Writer::Died => panic!("the writer has ended"),
        }
    }

    /// Tries every order and every crash from this state on, and counts them in `orders`.
    fn explore(files: &[RawMetadata], writers: &[Writer], raw: &Raw, orders: &mut u32) {
        let mut over = true;
        for (index, writer) in writers.iter().enumerate() {
            if matches!(writer, Writer::Returned | Writer::Died) {
                continue;
            }
            over = false;
            let mut stepped = raw.clone();
            let next = step(writer, &files[index], &mut stepped);
            for (next, raw) in [(next, &stepped), (Writer::Died, raw)] {
                let mut writers = writers.to_vec();
                writers[index] = next;
                explore(files, &writers, raw, orders);
            }
        }
        if over {
            *orders += 1;
            settled(files, writers, raw.clone());
        }
    }

    /// Redelivers the messages of crashed writers, and checks that the newest content wins.
    fn settled(files: &[RawMetadata], writers: &[Writer], mut raw: Raw) {
        for (file, writer) in files.iter().zip(writers) {
            if matches!(writer, Writer::Died) {
                let mut again = Writer::Reads;
                while !matches!(again, Writer::Returned) {
                    again = step(&again, file, &mut raw);
                }
            }
        }
        let newest =
            files.iter().max_by(|one, other| one.landing.stamp.cmp(&other.landing.stamp)).unwrap();
        assert_eq!(raw.written.as_ref(), Some(newest));
    }

    fn explore_all(files: &[RawMetadata]) -> u32 {
        let mut orders = 0;
        for raw in [Raw::default(), Raw { writes: 1, written: Some(file(1, "old")) }] {
            explore(files, &vec![Writer::Reads; files.len()], &raw, &mut orders);
        }
        orders
    }

    #[test]
    fn newest_wins_whoever_of_two_writes_last() {
        assert!(explore_all(&[file(2, "b"), file(3, "c")]) > 50);
        assert!(explore_all(&[file(2, "b"), file(2, "b")]) > 50, "the same event twice");
    }

    #[test]
    fn newest_wins_whoever_of_three_writes_last() {
        assert!(explore_all(&[file(3, "c"), file(2, "b"), file(4, "b")]) > 1_000);
    }
}
