//! One file: what it is, and whether it is a portfolio that belongs to a stack.

use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use flate2::read::MultiGzDecoder;
use serde::{Serialize, de::IgnoredAny};
use sha2::{Digest as _, Sha256};
use shared::{
    b3::{PageRequest, PortfolioPage, csv, decode, ptbr},
    failure::Code,
    keys::{LandingKey, Stamp},
    landing::{Envelope, EnvelopeError, Format, MAX_LANDING_BYTES, Source},
    portfolio::{ContentHash, DAYS_AFTER, Portfolio, day_in_sao_paulo},
    values::{IndexCode, Segment},
};

use crate::output::text;

/// Rows of a page, where a file does not say how many were asked for.
const PAGE_SIZE: u32 = 1_000;

/// What a stack takes.
#[derive(Debug, Clone)]
pub(super) struct Terms {
    pub(super) index: IndexCode,
    pub(super) segment: Segment,
    /// The first date in `tb_ibov_raw`.
    pub(super) first_date: NaiveDate,
    /// The only server whose answers belong there, if that matters.
    pub(super) server: Option<String>,
    pub(super) now: DateTime<Utc>,
}

/// A file as a landing object.
#[derive(Debug)]
pub(super) struct Accepted {
    pub(super) key: LandingKey,
    pub(super) body: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Refused {
    /// The name of a [`Code`], or one of those below.
    pub(super) code: &'static str,
    pub(super) reason: String,
}

/// The codes of an import's own.
const UNREADABLE: &str = "file-unreadable";
const OTHER_SEGMENT: &str = "other-segment";
const OTHER_SERVER: &str = "other-server";
const BEFORE_FIRST_MONTH: &str = "before-first-month";
const FROM_THE_FUTURE: &str = "from-the-future";
const SAME_TIME: &str = "same-time-other-content";

impl Refused {
    fn new(code: &'static str, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into() }
    }

    /// A file or folder that could not be read.
    pub(super) fn unreadable(reason: impl Into<String>) -> Self {
        Self::new(UNREADABLE, reason)
    }

    /// A file beside one of the same date that differs, where neither says when it was fetched.
    pub(super) fn same_time(there: &LandingKey) -> Self {
        let reason = text!(
            en: "it differs from {there}, which has the same time: nothing says which is right, and the first stays",
            pt: "difere de {there}, que tem o mesmo horário: nada diz qual está certo, e fica o primeiro",
        );
        Self::new(SAME_TIME, reason)
    }
}

impl From<EnvelopeError> for Refused {
    fn from(error: EnvelopeError) -> Self {
        Self::new(error.consequences().code.name(), error.to_string())
    }
}

/// Reads a file and checks what is in it, as the functions will.
pub(super) fn judge(path: &Path, terms: &Terms) -> Result<Accepted, Refused> {
    let bytes = read(path)?;
    let sha256 = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let source = Source { file, sha256, format: Format::Json };
    let text = decode(unpacked(bytes)?);
    let envelope = match Envelope::parse(text.as_bytes()) {
        Ok(envelope) => kept_by_a_fetcher(envelope, source, terms)?,
        Err(_) if is_json(&text) => answer(&text, source, terms)?,
        Err(_) => file_of_the_site(text, source, terms)?,
    };
    let (portfolio, _) = envelope.portfolio()?;
    belongs(&portfolio, &envelope, terms)?;
    let stamp = Stamp::new(envelope.fetched_at, ContentHash::of(&portfolio));
    let key = LandingKey { index: portfolio.index, date: portfolio.date, stamp };
    let body =
        serde_json::to_vec(&envelope).map_err(|error| Refused::unreadable(error.to_string()))?;
    if too_large(body.len()) { Err(oversized()) } else { Ok(Accepted { key, body }) }
}

fn read(path: &Path) -> Result<Vec<u8>, Refused> {
    let file = File::open(path).map_err(|error| Refused::unreadable(error.to_string()))?;
    limited(file)
}

/// What is read, up to the size of a landing object.
fn limited(from: impl io::Read) -> Result<Vec<u8>, Refused> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(MAX_LANDING_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    let read = from.take(limit).read_to_end(&mut bytes);
    read.map_err(|error| Refused::unreadable(error.to_string()))?;
    if too_large(bytes.len()) { Err(oversized()) } else { Ok(bytes) }
}

fn too_large(bytes: usize) -> bool {
    i64::try_from(bytes).unwrap_or(i64::MAX) > MAX_LANDING_BYTES
}

fn oversized() -> Refused {
    let reason = text!(
        en: "it has more than {MAX_LANDING_BYTES} bytes, which no portfolio takes",
        pt: "tem mais de {MAX_LANDING_BYTES} bytes, e nenhuma carteira ocupa tanto",
    );
    Refused::new(Code::LandingTooLarge.name(), reason)
}

fn unpacked(bytes: Vec<u8>) -> Result<Vec<u8>, Refused> {
    const GZIP: [u8; 2] = [0x1f, 0x8b];
    if bytes.starts_with(&GZIP) {
        limited(MultiGzDecoder::new(bytes.as_slice()))
    } else {
        Ok(bytes)
    }
}

/// A landing object or a rejected one. Its rejection does not count: the rules are those of today.
fn kept_by_a_fetcher(
    envelope: Envelope,
    source: Source,
    terms: &Terms,
) -> Result<Envelope, Refused> {
    let PageRequest { index, segment, .. } = &envelope.request;
    if *index != terms.index {
        return Err(other_index(index, terms));
    }
    if *segment != terms.segment {
        return Err(other_segment(*segment));
    }
    if let Some(ours) = &terms.server
        && !envelope.base_url.is_empty()
        && envelope.base_url.trim_end_matches('/') != ours.trim_end_matches('/')
    {
        let theirs = &envelope.base_url;
        let reason = text!(
            en: "{theirs} answered this, and not {ours}",
            pt: "é a resposta de {theirs}, e não de {ours}",
        );
        return Err(Refused::new(OTHER_SERVER, reason));
    }
    // What was imported before keeps the name of the file that it was.
    let source = envelope.source.clone().unwrap_or(source);
    Ok(Envelope { source: Some(source), rejection: None, ..envelope })
}

/// What `GetPortfolioDay` answers. It does not say of which index it is.
fn answer(text: &str, source: Source, terms: &Terms) -> Result<Envelope, Refused> {
    let pages = pages(text);
    let first = pages.first().and_then(|body| PortfolioPage::parse(body).ok());
    if let Some(rows) = first.as_ref().and_then(|page| page.results.as_ref())
        && terms.segment == Segment::BySector
        && !rows.is_empty()
        && rows.iter().all(|row| row.segment.text().is_err())
    {
        return Err(other_segment(Segment::ByTicker));
    }
    let fetched_at = midnight(first.as_ref(), terms);
    Ok(envelope(source, fetched_at, pages, terms))
}

fn file_of_the_site(text: String, source: Source, terms: &Terms) -> Result<Envelope, Refused> {
    let file = csv::parse(&text).map_err(EnvelopeError::from)?;
    if file.index != terms.index {
        return Err(other_index(&file.index, terms));
    }
    if !file.has_sectors && terms.segment == Segment::BySector {
        return Err(other_segment(Segment::ByTicker));
    }
    let fetched_at = midnight(Some(&file.page), terms);
    Ok(envelope(Source { format: Format::Csv, ..source }, fetched_at, vec![text], terms))
}

fn envelope(
    source: Source,
    fetched_at: DateTime<Utc>,
    pages: Vec<String>,
    terms: &Terms,
) -> Envelope {
    let request = PageRequest::first(terms.index.clone(), terms.segment, PAGE_SIZE);
    let base_url = String::new();
    Envelope { request, base_url, fetched_at, source: Some(source), rejection: None, pages }
}

/// The portfolio's date at 00:00 UTC. Where it cannot be read, the rules refuse the file for that.
fn midnight(page: Option<&PortfolioPage>, terms: &Terms) -> DateTime<Utc> {
    let date = page.and_then(|page| page.header.as_ref()?.date.text().ok());
    let date = date.and_then(|text| ptbr::date(text).ok());
    date.map_or(terms.now, |date| date.and_time(chrono::NaiveTime::MIN).and_utc())
}

fn is_json(text: &str) -> bool {
    // An HTML page is no JSON, but no file of the site either, and is named as what it is.
    text.trim_start().starts_with(['{', '[', '<'])
}

/// The pages of an answer, character for character: documents one after the other, or in an array.
fn pages(text: &str) -> Vec<String> {
    let mut rest = text.trim();
    let in_array = rest.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    rest = in_array.unwrap_or(rest).trim();
    let mut pages = Vec::new();
    while !rest.is_empty() {
        let mut documents = serde_json::Deserializer::from_str(rest).into_iter::<IgnoredAny>();
        let read = documents.next().is_some_and(|document| document.is_ok());
        // What cannot be read is a page too: the rules say what is wrong with it.
        let end = if read { documents.byte_offset() } else { rest.len() };
        let (page, others) = rest.split_at_checked(end).unwrap_or((rest, ""));
        pages.push(page.to_owned());
        rest = others.trim_start();
        if in_array.is_some() {
            rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
        }
    }
    pages
}

/// Checks what only the stack and the calendar know.
fn belongs(portfolio: &Portfolio, envelope: &Envelope, terms: &Terms) -> Result<(), Refused> {
    let date = portfolio.date;
    if date < terms.first_date {
        let first = terms.first_date;
        let reason = text!(
            en: "{date} is before {first}, the first date in tb_ibov_raw: the stack's parameter FirstMonth says so",
            pt: "{date} é anterior a {first}, a primeira data de tb_ibov_raw, que vem do parâmetro FirstMonth da stack",
        );
        return Err(Refused::new(BEFORE_FIRST_MONTH, reason));
    }
    let today = day_in_sao_paulo(terms.now);
    let last = today.checked_add_days(Days::new(DAYS_AFTER)).unwrap_or(NaiveDate::MAX);
    if date > last || envelope.fetched_at > terms.now + TimeDelta::days(1) {
        let fetched_at = envelope.fetched_at;
        let reason = text!(
            en: "it is of {date}, fetched at {fetched_at}; today is {today}",
            pt: "é de {date}, buscado em {fetched_at}; hoje é {today}",
        );
        return Err(Refused::new(FROM_THE_FUTURE, reason));
    }
    Ok(())
}

fn other_index(index: &IndexCode, terms: &Terms) -> Refused {
    let ours = &terms.index;
    let reason = text!(
        en: "it is of {index}, and this lake of {ours}",
        pt: "é do {index}, e este lake é do {ours}",
    );
    Refused::new(Code::NotServed.name(), reason)
}

fn other_segment(segment: Segment) -> Refused {
    let reason = match segment {
        Segment::ByTicker => text!(
            en: "it has no sectors, and this lake is by sector: --segment 1 imports it into a lake of its own",
            pt: "não tem setores, e este lake é por setor: com --segment 1 vai para um lake próprio",
        ),
        Segment::BySector => text!(
            en: "it was asked for with sectors (segment 2), and this lake has none: import it without --segment 1",
            pt: "foi pedido com setores (segmento 2), e este lake não os tem: importe sem --segment 1",
        ),
    };
    Refused::new(OTHER_SEGMENT, reason)
}

#[cfg(test)]
mod tests;
