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

mod interleavings {
    //! Every order in which two and three writers of one date can read, write and die.

    use super::*;

    /// A landing object to be written, with the hash of the file made from it.
    type Source = (LandingKey, &'static str);

    /// The raw object in memory. Its ETag is its number of writes, as if no two files were alike.
    #[derive(Clone, Default)]
    struct Raw {
        writes: u32,
        there: Option<Source>,
    }

    impl Raw {
        fn head(&self) -> Option<Recorded> {
            self.there.as_ref().map(|(landing, hash)| Recorded {
                etag: self.writes.to_string(),
                landing: Some(landing.clone()),
                file_hash: Some((*hash).to_owned()),
            })
        }

        fn put(&mut self, source: &Source, condition: &Condition) -> bool {
            let holds = match condition {
                Condition::StillAbsent => self.there.is_none(),
                Condition::StillETag(etag) => {
                    self.there.is_some() && *etag == self.writes.to_string()
                }
            };
            if holds {
                let before = self.there.as_ref().map(|(landing, _)| &landing.stamp);
                assert!(before <= Some(&source.0.stamp), "an older object overwrote a newer one");
                self.there = Some(source.clone());
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

    fn step(writer: &Writer, source: &Source, raw: &mut Raw) -> Writer {
        match writer {
            Writer::Reads => match decide(raw.head(), &source.0, source.1) {
                Decision::Write(condition) => Writer::Writes(condition),
                Decision::AlreadyWritten | Decision::Older => Writer::Returned,
            },
            Writer::Writes(condition) => match raw.put(source, condition) {
                true => Writer::Returned,
                false => Writer::Reads,
            },
            Writer::Returned | Writer::Died => panic!("it has ended"),
        }
    }

    /// Tries every order and every crash from here on; `orders` counts how many there are.
    fn explore(sources: &[Source], writers: &[Writer], raw: &Raw, orders: &mut u32) {
        let mut over = true;
        for (index, writer) in writers.iter().enumerate() {
            if matches!(writer, Writer::Returned | Writer::Died) {
                continue;
            }
            over = false;
            let mut stepped = raw.clone();
            let next = step(writer, &sources[index], &mut stepped);
            for (next, raw) in [(next, &stepped), (Writer::Died, raw)] {
                let mut writers = writers.to_vec();
                writers[index] = next;
                explore(sources, &writers, raw, orders);
            }
        }
        if over {
            *orders += 1;
            settled(sources, writers, raw.clone());
        }
    }

    /// The messages of those who died come again; then the newest content must be there.
    fn settled(sources: &[Source], writers: &[Writer], mut raw: Raw) {
        for (source, writer) in sources.iter().zip(writers) {
            if matches!(writer, Writer::Died) {
                let mut again = Writer::Reads;
                while !matches!(again, Writer::Returned) {
                    again = step(&again, source, &mut raw);
                }
            }
        }
        let newest = sources.iter().max_by(|one, other| one.0.stamp.cmp(&other.0.stamp)).unwrap();
        assert_eq!(raw.there.as_ref(), Some(newest));
    }

    fn explore_all(sources: &[Source]) -> u32 {
        let mut orders = 0;
        for raw in [Raw::default(), Raw { writes: 1, there: Some((landing(1), "old")) }] {
            explore(sources, &vec![Writer::Reads; sources.len()], &raw, &mut orders);
        }
        orders
    }

    #[test]
    fn newest_wins_whoever_of_two_writes_last() {
        assert!(explore_all(&[(landing(2), "b"), (landing(3), "c")]) > 50);
        assert!(explore_all(&[(landing(2), "b"), (landing(2), "b")]) > 50, "the same event twice");
    }

    #[test]
    fn newest_wins_whoever_of_three_writes_last() {
        assert!(explore_all(&[(landing(3), "c"), (landing(2), "b"), (landing(4), "b")]) > 1_000);
    }
}
