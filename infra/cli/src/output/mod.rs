//! What people see: lines, tables, numbers and words in their language.
//!
//! Words of both languages stand side by side where they are said, by [`text!`]. The compiler demands both,
//! and knows every placeholder. (Project Fluent was tried: its crates took 25 s of two cores to build.)

mod bar;
mod language;
mod lines;
mod number;
mod screen;
mod table;

pub(crate) use self::{
    language::{Language, plural, text},
    lines::print_line,
    screen::Screen,
    table::{Column, Table, Value},
};
