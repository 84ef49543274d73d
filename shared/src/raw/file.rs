//! The raw file: one Parquet row per constituent.
//!
//! In the functions the only user of arrow2, which is no longer maintained, and only for writing. Pages are plain-encoded
//! because Spark's vectorised reader cannot read arrow2's dictionaries. The same portfolio and landing key give the same
//! bytes.

use arrow2::{
    array::{Array, PrimitiveArray, Utf8Array},
    chunk::Chunk,
    datatypes::{DataType, Field, Schema},
    io::parquet::write::{
        CompressionOptions, Encoding, FileWriter, KeyValue, RowGroupIterator, Version, WriteOptions,
    },
};
use chrono::{Datelike, NaiveDate};

use super::metadata::{CONTENT_HASH, LANDING_KEY};
use crate::{
    keys::LandingKey,
    portfolio::{Constituent, ContentHash, Portfolio},
};

#[derive(Debug, thiserror::Error)]
#[error("the raw Parquet file could not be encoded: {0}")]
pub struct EncodeError(#[from] arrow2::error::Error);

/// The columns of the raw table, in order.
pub fn schema() -> Schema {
    let weight = DataType::Decimal(6, 3);
    Schema::from(vec![
        Field::new("segment", DataType::Utf8, true),
        Field::new("cod", DataType::Utf8, false),
        Field::new("asset", DataType::Utf8, false),
        Field::new("type", DataType::Utf8, false),
        Field::new("part", weight.clone(), false),
        Field::new("partAcum", weight, true),
        Field::new("theoricalQty", DataType::Int64, false),
        Field::new("DataCarteira", DataType::Date32, false),
    ])
}

/// Encodes a portfolio read from `landing` as a raw file: Snappy, V1 pages, one row group.
///
/// # Errors
/// [`EncodeError`] would be a bug: every portfolio fits the schema.
pub fn encode(portfolio: &Portfolio, landing: &LandingKey) -> Result<Vec<u8>, EncodeError> {
    encode_hashed(portfolio, &ContentHash::of(portfolio), landing)
}

/// The same with the portfolio's hash, where it is known already.
///
/// # Errors
/// As [`encode`].
pub fn encode_hashed(
    portfolio: &Portfolio,
    content: &ContentHash,
    landing: &LandingKey,
) -> Result<Vec<u8>, EncodeError> {
    let schema = schema();
    let options = WriteOptions {
        write_statistics: true,
        version: Version::V1,
        compression: CompressionOptions::Snappy,
        data_pagesize_limit: None,
    };
    let encodings = vec![vec![Encoding::Plain]; schema.fields.len()];
    let rows = Chunk::try_new(columns(portfolio))?;
    let groups = RowGroupIterator::try_new(std::iter::once(Ok(rows)), &schema, options, encodings)?;
    let mut writer = FileWriter::try_new(Vec::new(), schema, options)?;
    for group in groups {
        writer.write(group?)?;
    }
    writer.end(Some(footer(portfolio, content, landing)))?;
    Ok(writer.into_inner())
}

fn columns(portfolio: &Portfolio) -> Vec<Box<dyn Array>> {
    let constituents = &portfolio.constituents;
    let required = |text: fn(&Constituent) -> &str| {
        Utf8Array::<i32>::from_iter_values(constituents.iter().map(text)).boxed()
    };
    let weights = |weight: fn(&Constituent) -> Option<i128>| {
        PrimitiveArray::from_iter(constituents.iter().map(weight))
            .to(DataType::Decimal(6, 3))
            .boxed()
    };
    let day = days_since_epoch(portfolio.date);
    vec![
        Utf8Array::<i32>::from_iter(constituents.iter().map(|each| each.sector.as_deref())).boxed(),
        required(|each| each.ticker.as_str()),
        // These columns are not nullable: a missing text is empty.
        required(|each| each.asset.as_deref().unwrap_or_default()),
        required(|each| each.kind.as_deref().unwrap_or_default()),
        weights(|each| Some(i128::from(each.weight.thousandths()))),
        weights(|each| each.sector_weight.map(|weight| i128::from(weight.thousandths()))),
        PrimitiveArray::from_values(constituents.iter().map(|each| each.quantity)).boxed(),
        PrimitiveArray::from_values(constituents.iter().map(|_| day)).to(DataType::Date32).boxed(),
    ]
}

fn days_since_epoch(date: NaiveDate) -> i32 {
    date.num_days_from_ce() - NaiveDate::default().num_days_from_ce()
}

fn footer(portfolio: &Portfolio, content: &ContentHash, landing: &LandingKey) -> Vec<KeyValue> {
    [
        (LANDING_KEY, Some(landing.to_string())),
        (CONTENT_HASH, Some(content.to_string())),
        ("index", Some(portfolio.index.to_string())),
        ("segment", Some(portfolio.segment.to_string())),
        ("total-part", Some(portfolio.total_weight.to_string())),
        ("total-theorical-qty", Some(portfolio.total_quantity.to_string())),
        ("reductor", portfolio.reductor.clone()),
    ]
    .into_iter()
    .map(|(key, value)| KeyValue { key: key.to_owned(), value })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{landing_key, portfolio};

    #[test]
    fn encoding_is_deterministic_and_moves_with_the_landing_key() {
        let portfolio = portfolio();
        let earlier = landing_key(&portfolio, 1);
        let later = landing_key(&portfolio, 2);
        let bytes = encode(&portfolio, &earlier).unwrap();
        assert_eq!(bytes, encode(&portfolio, &earlier).unwrap());
        assert_ne!(bytes, encode(&portfolio, &later).unwrap());
        assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
    }

    #[test]
    fn footer_names_the_landing_object_and_the_content() {
        let portfolio = portfolio();
        let landing = landing_key(&portfolio, 1);
        let bytes = encode(&portfolio, &landing).unwrap();
        let contains =
            |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        assert!(contains(&landing.to_string()));
        assert!(contains(ContentHash::of(&portfolio).as_str()));
        assert!(contains("18553794.87445950"));
    }

    #[test]
    fn dates_count_from_1970() {
        assert_eq!(days_since_epoch(NaiveDate::from_ymd_opt(1970, 1, 2).unwrap()), 1);
        assert_eq!(days_since_epoch(NaiveDate::from_ymd_opt(2026, 11, 20).unwrap()), 20_777);
    }
}
