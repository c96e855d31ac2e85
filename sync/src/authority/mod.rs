//! The centre as the authority of lifecycle operations: the port over functions of the database.
