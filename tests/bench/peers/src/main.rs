//! Writes one portfolio as Parquet many times, with one library, and prints what that took:
//! `peers LIBRARY COUNT LANDING_OBJECT`. From rows in memory to a file in memory.

use std::{fs, sync::Arc, time::Instant};

use anyhow::{Context as _, Result, bail};
use arrow_array::{
    ArrayRef, Date32Array, Decimal128Array, Int64Array, RecordBatch, StringArray,
};
use chrono::NaiveDate;
use parquet::{arrow::ArrowWriter, basic::Compression, file::properties::WriterProperties};
use rustix::time::{ClockId, clock_gettime};
use serde_json::json;
use shared::{keys::LandingKey, landing::Envelope, portfolio::Portfolio, raw};

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [library, count, path] = words.as_slice() else { bail!("peers LIBRARY COUNT FILE") };
    let count: u32 = count.parse()?;
    let (portfolio, _) = Envelope::parse(&fs::read(path)?)?.portfolio()?;
    let day = portfolio.date;
    let landing: LandingKey = format!(
        "landing/index={}/date={day}/{}T130000.000Z-0000000000000000.json",
        portfolio.index,
        day.format("%Y%m%d"),
    )
    .parse()?;
    let write = || match library.as_str() {
        "arrow2" => Ok(raw::encode(&portfolio, &landing)?),
        "arrow-rs" => with_arrow_rs(&portfolio),
        other => bail!("{other} is not here"),
    };
    let bytes = write()?.len();
    let (wall, cpu) = (Instant::now(), processor_seconds());
    for _ in 0..count {
        write()?;
    }
    let each = f64::from(count);
    let (wall, cpu) = (wall.elapsed().as_secs_f64() / each, (processor_seconds() - cpu) / each);
    println!("{}", json!({"wall_s": wall, "cpu_s": cpu, "bytes": bytes}));
    Ok(())
}

/// Of this process.
fn processor_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn with_arrow_rs(portfolio: &Portfolio) -> Result<Vec<u8>> {
    let rows = &portfolio.constituents;
    let weights = |values: Vec<Option<i128>>| -> Result<ArrayRef> {
        Ok(Arc::new(Decimal128Array::from(values).with_precision_and_scale(6, 3)?))
    };
    let day = portfolio.date.signed_duration_since(NaiveDate::default()).num_days();
    let day = i32::try_from(day).context("the date is too far")?;
    let columns: [(&str, ArrayRef, bool); 8] = [
        ("segment", Arc::new(StringArray::from_iter(rows.iter().map(|row| row.sector.as_deref()))), true),
        ("cod", Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.ticker.as_str()))), false),
        (
            "asset",
            Arc::new(StringArray::from_iter_values(
                rows.iter().map(|row| row.asset.as_deref().unwrap_or_default()),
            )),
            false,
        ),
        (
            "type",
            Arc::new(StringArray::from_iter_values(
                rows.iter().map(|row| row.kind.as_deref().unwrap_or_default()),
            )),
            false,
        ),
        ("part", weights(rows.iter().map(|row| Some(row.weight.thousandths().into())).collect())?, false),
        (
            "partAcum",
            weights(rows.iter().map(|row| row.sector_weight.map(|weight| weight.thousandths().into())).collect())?,
            true,
        ),
        ("theoricalQty", Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.quantity))), false),
        ("DataCarteira", Arc::new(Date32Array::from_iter_values(rows.iter().map(|_| day))), false),
    ];
    let batch = RecordBatch::try_from_iter_with_nullable(columns)?;
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties))?;
    writer.write(&batch)?;
    Ok(writer.into_inner()?)
}
