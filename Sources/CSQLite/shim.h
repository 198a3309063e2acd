#pragma once
#include <sqlite3.h>

/* What Swift cannot say: variadic functions and SQLITE_TRANSIENT, a cast of -1 to a function pointer. */

/* Binds a copy of `count` bytes of UTF-8. */
static inline int csqlite_bind_text(sqlite3_stmt *statement, int index, const char *text, sqlite3_uint64 count) {
  return sqlite3_bind_text64(statement, index, text, count, SQLITE_TRANSIENT, SQLITE_UTF8);
}

/* Binds `count` bytes in place: they must live until the statement is reset or its bindings are cleared. */
static inline int csqlite_bind_blob_in_place(sqlite3_stmt *statement, int index, const void *bytes,
                                             sqlite3_uint64 count) {
  return sqlite3_bind_blob64(statement, index, bytes, count, SQLITE_STATIC);
}

/* Forbids SQL that could damage the file on purpose, and functions with side effects inside a hostile schema. */
static inline int csqlite_harden(sqlite3 *connection) {
  int result = sqlite3_db_config(connection, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)0);
  if (result != SQLITE_OK) return result;
  return sqlite3_db_config(connection, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, (int *)0);
}
