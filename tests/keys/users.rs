//! The partitions of users that are named in every place where Meta names users.
