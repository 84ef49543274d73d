//! What people see: lines, tables, numbers and words in their language.
//!
//! Words of both languages stand side by side where they are said, by [`text!`]. The compiler demands both,
//! and knows every placeholder. (Project Fluent was tried: its crates took 25 s of two cores to build.)

mod bar;
mod file;
mod language;
mod lines;
mod number;
mod screen;
mod table;

pub(crate) use self::{
    bar::sparkline,
    file::write_file,
    language::{Language, plural, text},
    lines::{print_bytes, print_heading, print_line},
    number::json_number,
    screen::Screen,
    table::{Column, Table, Value},
};
