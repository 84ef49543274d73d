//! Parquet for other programs, written as the raw files are: plain encodings, which every reader knows.

use anyhow::{Context as _, Result};
use arrow2::{
    array::{Array, BooleanArray, PrimitiveArray, Utf8Array},
    chunk::Chunk,
    datatypes::{DataType, Field, Schema, TimeUnit},
    io::parquet::write::{
        CompressionOptions, Encoding, FileWriter, RowGroupIterator, Version, WriteOptions,
    },
};
use chrono::NaiveDate;

use super::column::{TypedColumn, Values};

pub(super) fn encode(columns: Vec<TypedColumn>) -> Result<Vec<u8>> {
    let mut fields = Vec::new();
    let mut arrays = Vec::new();
    for TypedColumn { name, values } in columns {
        let array = array(values);
        fields.push(Field::new(name, array.data_type().clone(), true));
        arrays.push(array);
    }
    write(Schema::from(fields), Chunk::new(arrays)).context("cannot write Parquet")
}

fn write(schema: Schema, rows: Chunk<Box<dyn Array>>) -> arrow2::error::Result<Vec<u8>> {
    let options = WriteOptions {
        write_statistics: true,
        version: Version::V1,
        compression: CompressionOptions::Snappy,
        data_pagesize_limit: None,
    };
    let encodings = vec![vec![Encoding::Plain]; schema.fields.len()];
    let groups = RowGroupIterator::try_new(std::iter::once(Ok(rows)), &schema, options, encodings)?;
    let mut writer = FileWriter::try_new(Vec::new(), schema, options)?;
    for group in groups {
        writer.write(group?)?;
    }
    writer.end(None)?;
    Ok(writer.into_inner())
}

fn array(values: Values) -> Box<dyn Array> {
    match values {
        Values::Text(values) => Utf8Array::<i32>::from(values).boxed(),
        Values::Integer(values) => PrimitiveArray::from(values).boxed(),
        Values::BigInteger(values) => PrimitiveArray::from(values).boxed(),
        Values::Decimal { precision, scale, unscaled } => {
            PrimitiveArray::from(unscaled).to(DataType::Decimal(precision, scale)).boxed()
        }
        Values::Double(values) => PrimitiveArray::from(values).boxed(),
        Values::Boolean(values) => BooleanArray::from(values).boxed(),
        Values::Date(values) => {
            let days = values.into_iter().map(|date| date.map(days_since_epoch));
            PrimitiveArray::from(days.collect::<Vec<_>>()).to(DataType::Date32).boxed()
        }
        Values::Timestamp(values) => {
            let times =
                values.into_iter().map(|time| time.map(|time| time.and_utc().timestamp_micros()));
            let unit = DataType::Timestamp(TimeUnit::Microsecond, None);
            PrimitiveArray::from(times.collect::<Vec<_>>()).to(unit).boxed()
        }
    }
}

fn days_since_epoch(date: NaiveDate) -> i32 {
    date.to_epoch_days()
}

#[cfg(test)]
mod tests {
    use super::{
        super::{column::columns, tests::answer},
        *,
    };

    #[test]
    fn columns_have_athenas_types() {
        let types: Vec<_> = columns(&answer())
            .into_iter()
            .map(|column| array(column.values).data_type().clone())
            .collect();
        assert_eq!(
            types,
            [
                DataType::Utf8,
                DataType::Date32,
                DataType::Decimal(38, 3),
                DataType::Int64,
                DataType::Int32,
                DataType::Float64,
                DataType::Boolean,
                DataType::Timestamp(TimeUnit::Microsecond, None),
            ]
        );
        let file = encode(columns(&answer())).unwrap();
        assert!(file.starts_with(b"PAR1") && file.ends_with(b"PAR1"));
    }
}
