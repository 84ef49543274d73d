//! Converts the rows of an answer's pages to constituents.

use std::collections::BTreeMap;

use super::{Constituent, MAX_CONSTITUENTS, OptionalField, Refusal, Warning, text};
use crate::{
    b3::{
        Field, Header, MAX_PAGES, PortfolioPage, Row,
        ptbr::{self, shortened},
    },
    values::{Segment, Ticker, Weight},
};

/// The constituents sorted by sector and ticker, and warnings about some of them.
pub(super) fn constituents(
    segment: Segment,
    pages: &[PortfolioPage],
) -> Result<(Vec<Constituent>, Vec<Warning>), Refusal> {
    pages_are_of_one_portfolio(pages)?;
    let rows = all_rows(pages)?;
    let mut read = rows
        .iter()
        .map(|place| place.constituent(segment).map(|constituent| (place.page, constituent)))
        .collect::<Result<Vec<_>, _>>()?;
    no_ticker_twice(&read)?;
    let stated = pages.last().map_or(0, |page| page.position.total_records as usize);
    if read.len() != stated {
        return Err(Refusal::RowCount { rows: read.len(), stated });
    }
    read.sort_by(|(_, one), (_, other)| one.cmp(other));
    let constituents: Vec<_> = read.into_iter().map(|(_, constituent)| constituent).collect();
    most_rows_have_a_sector(segment, &constituents)?;
    let warnings = absent_fields(segment, &constituents);
    Ok((constituents, warnings))
}

/// A row and its position in the answer.
struct RowPlace<'a> {
    /// From 1.
    page: usize,
    /// Whether the answer has other pages.
    among_several: bool,
    /// Index in `results` of the page, from 0 as in a JSON path.
    position: usize,
    row: &'a Row,
}

/// Refuses pages whose headers or counts differ from those of the first page.
fn pages_are_of_one_portfolio(pages: &[PortfolioPage]) -> Result<(), Refusal> {
    let Some((first, others)) = pages.split_first() else { return Ok(()) };
    let values = |page: &PortfolioPage| {
        let text = |field: fn(&Header) -> &Field<String>| {
            let field = page.header.as_ref().map(field);
            field.and_then(|field| field.text().ok()).unwrap_or_default().to_owned()
        };
        let header = if page.header.is_some() { "an object" } else { "null" };
        [
            ("header", header.to_owned()),
            ("header.date", text(|header| &header.date)),
            ("header.part", text(|header| &header.part)),
            ("header.theoricalQty", text(|header| &header.theorical_qty)),
            ("page.totalRecords", page.position.total_records.to_string()),
            ("page.totalPages", page.position.total_pages.to_string()),
        ]
    };
    for (number, other) in others.iter().enumerate() {
        let changed = values(first).into_iter().zip(values(other));
        for ((field, first), (_, now)) in changed {
            if first != now {
                let (first, now) = (shortened(&first), shortened(&now));
                return Err(Refusal::PagesDiffer { page: number + 2, field, first, now });
            }
        }
    }
    Ok(())
}

fn all_rows(pages: &[PortfolioPage]) -> Result<Vec<RowPlace<'_>>, Refusal> {
    let announced = pages.first().map_or(0, |first| first.position.total_pages);
    if announced > MAX_PAGES {
        return Err(Refusal::TooManyPages { announced });
    }
    let mut rows = Vec::new();
    let among_several = pages.len() > 1;
    for (page, PortfolioPage { results, .. }) in (1..).zip(pages) {
        match results.as_deref() {
            None if page == 1 => return Err(Refusal::ResultsNull),
            Some([]) if page == 1 => return Err(Refusal::ResultsEmpty),
            None | Some([]) => return Err(Refusal::PageEmpty { page }),
            Some(results) => {
                rows.extend(results.iter().enumerate().map(|(position, row)| RowPlace {
                    page,
                    among_several,
                    position,
                    row,
                }))
            }
        }
    }
    match rows.len() {
        0 => Err(Refusal::ResultsEmpty),
        rows if rows > MAX_CONSTITUENTS => Err(Refusal::TooManyRows { rows }),
        _ => Ok(rows),
    }
}

impl RowPlace<'_> {
    fn constituent(&self, segment: Segment) -> Result<Constituent, Refusal> {
        let row = self.row;
        let cod = self.required(&row.cod, "cod")?;
        if let Err(source) = text::read(cod)
            && source.is_damage()
        {
            let (place, value) = (self.path("cod"), shortened(cod));
            return Err(Refusal::Text { place, value, source });
        }
        let ticker: Ticker = cod
            .parse()
            .map_err(|_| Refusal::Ticker { place: self.path("cod"), value: shortened(cod) })?;
        let number = |field, source| Refusal::Number { place: self.named(field), source };
        let weight = |text, field| ptbr::weight(text).map_err(|source| number(field, source));
        let (sector, sector_weight): (_, Option<Weight>) = match segment {
            Segment::BySector => (
                self.text(&row.segment, "segment")?,
                row.part_acum.text().ok().map(|text| weight(text, "partAcum")).transpose()?,
            ),
            Segment::ByTicker => (None, None),
        };
        let quantity = self.required(&row.theorical_qty, "theoricalQty")?;
        Ok(Constituent {
            sector,
            asset: self.text(&row.asset, "asset")?,
            kind: self.text(&row.kind, "type")?,
            weight: weight(self.required(&row.part, "part")?, "part")?,
            sector_weight,
            quantity: ptbr::integer(quantity).map_err(|source| number("theoricalQty", source))?,
            ticker,
        })
    }

    fn required<'a>(
        &self,
        field: &'a Field<String>,
        name: &'static str,
    ) -> Result<&'a str, Refusal> {
        field.text().map_err(|missing| Refusal::FieldAbsent { place: self.named(name), missing })
    }

    /// A text that a row may do without.
    fn text(&self, field: &Field<String>, name: &'static str) -> Result<Option<String>, Refusal> {
        let Ok(value) = field.text() else { return Ok(None) };
        let refusal =
            |source| Refusal::Text { place: self.named(name), value: shortened(value), source };
        text::read(value).map(Some).map_err(refusal)
    }

    fn path(&self, field: &str) -> String {
        if let Some(line) = self.row.line {
            return format!("line {line}: {field}");
        }
        let page = if self.among_several { format!("page {}: ", self.page) } else { String::new() };
        format!("{page}results[{}].{field}", self.position)
    }

    /// The path with the ticker, so that a person can find the row elsewhere.
    fn named(&self, field: &str) -> String {
        match self.row.cod.text() {
            Ok(ticker) => format!("{} of {}", self.path(field), shortened(ticker)),
            Err(_) => self.path(field),
        }
    }
}

fn no_ticker_twice(rows: &[(usize, Constituent)]) -> Result<(), Refusal> {
    let mut pages: BTreeMap<&Ticker, usize> = BTreeMap::new();
    for (page, Constituent { ticker, .. }) in rows {
        match pages.insert(ticker, *page) {
            None => {}
            Some(first) if first == *page => {
                return Err(Refusal::TickerTwice { ticker: ticker.clone() });
            }
            Some(first) => {
                return Err(Refusal::PagesOverlap { ticker: ticker.clone(), first, again: *page });
            }
        }
    }
    Ok(())
}

/// A single row without a sector is B3's slip; with more than one in ten, B3 answered another question.
fn most_rows_have_a_sector(segment: Segment, constituents: &[Constituent]) -> Result<(), Refusal> {
    const ROWS_PER_SLIP: usize = 10;
    let rows = constituents.len();
    let without = constituents.iter().filter(|each| each.sector.is_none()).count();
    match segment {
        Segment::BySector if without > 1 && without * ROWS_PER_SLIP > rows => {
            Err(Refusal::SectorsAbsent { without, rows })
        }
        Segment::BySector | Segment::ByTicker => Ok(()),
    }
}

fn absent_fields(segment: Segment, constituents: &[Constituent]) -> Vec<Warning> {
    use OptionalField::{Asset, Kind, Sector, SectorWeight};
    let fields: &[OptionalField] = match segment {
        Segment::BySector => &[Sector, SectorWeight, Asset, Kind],
        Segment::ByTicker => &[Asset, Kind],
    };
    let absent = |field, constituent: &Constituent| match field {
        Sector => constituent.sector.is_none(),
        SectorWeight => constituent.sector_weight.is_none(),
        Asset => constituent.asset.is_none(),
        Kind => constituent.kind.is_none(),
    };
    let warning = |&field: &OptionalField| {
        let without = constituents.iter().filter(|constituent| absent(field, constituent));
        let tickers: Vec<_> = without.map(|constituent| constituent.ticker.clone()).collect();
        (!tickers.is_empty()).then_some(Warning::FieldAbsent { field, tickers })
    };
    fields.iter().filter_map(warning).collect()
}
