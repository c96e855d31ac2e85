//! The schema of the centre: migrations, roles, operators. Run with an owner's DSN.
