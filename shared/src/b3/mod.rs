//! B3's protocol: the request, the answer, B3's number format, and the file that B3's site offers.
//!
//! Nothing here does I/O. The spellings (`theoricalQty`, `partAcum`) are B3's own.

pub mod csv;
mod decoding;
mod field;
mod payload;
pub mod ptbr;
mod request;
pub mod windows_1252;

pub use decoding::decode;
pub use field::{ByName, Field, Missing};
pub use payload::{
    Header, MAX_ANSWER_BYTES, MAX_BODY_BYTES, MAX_PAGES, MAX_ROWS, PagePosition, PortfolioPage,
    Row, ShapeError, beginning,
};
pub use request::{Language, PageRequest};
