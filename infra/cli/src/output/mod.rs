//! What people see: lines, tables, numbers and words in their language.
//!
//! Words of both languages stand side by side where they are said, by [`text!`]. The compiler demands both,
//! and knows every placeholder. (Project Fluent was tried: its crates took 25 s of two cores to build.)

mod bar;
mod file;
mod lines;
mod screen;
mod table;

pub(crate) use harness::{
    language::{Language, plural, text},
    stack::athena::exact_number as json_number,
};

pub(crate) use self::{
    bar::sparkline,
    file::write_file,
    lines::{print_bytes, print_heading, print_line, wrapped},
    screen::Screen,
    table::{Column, Table, Value},
};
