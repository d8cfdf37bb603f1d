//! openapi: being written.
