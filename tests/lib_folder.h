/* A folder of a test's own, gone when the test is. */
#ifndef LIB_FOLDER_H
#define LIB_FOLDER_H

/* Makes a new folder; the text is static until the next call. */
const char *folder_make(void);
/* Removes it with all that is in it. */
void folder_remove(void);
/* FOLDER/NAME, the caller's to free. */
char *folder_path(const char *name);
/* Writes a file of that text in it. */
void folder_write(const char *name, const char *text);

#endif
