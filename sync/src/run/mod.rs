//! The sync as it runs beside a console: pull, push, wake-up, presence, one status.
