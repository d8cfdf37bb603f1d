//! Tables: the columns and cells of each kind.
