/*
 * Pieces of a page: text that cannot act in it, and tables. Whatever comes from a file goes
 * through fl_html_text: what could act on a reader is escaped (base/visible.h), and &, <, >, "
 * and ' are written as entities, so that no cell opens a tag or leaves an attribute.
 */
#ifndef FL_PAGE_HTML_H
#define FL_PAGE_HTML_H

#include <stddef.h>

#include "base/buf.h"
#include "base/must.h"
#include "page/sheet.h"

/* Add TEXT as text of the page, or of an attribute in quotes. */
FL_MUST int fl_html_text(struct fl_buf *out, const char *text);

/* Add a number with so many significant DIGITS. */
FL_MUST int fl_html_number(struct fl_buf *out, double value, int digits);

/*
 * Add the head of a table: its CAPTION and the names of its columns, NULL after the last. Then
 * its rows: fl_html_row begins one, fl_html_cell adds to it; fl_html_table_end ends row and
 * table.
 */
FL_MUST int fl_html_table(struct fl_buf *out, const char *caption, const char *const *columns);
FL_MUST int fl_html_row(struct fl_buf *out);
FL_MUST int fl_html_cell(struct fl_buf *out, const char *text);
FL_MUST int fl_html_cell_number(struct fl_buf *out, double value, int digits);
FL_MUST int fl_html_table_end(struct fl_buf *out);

/* A whole sheet as a table; of more than MOST rows the last ones, and a sentence that says so. */
FL_MUST int fl_html_sheet(struct fl_buf *out, const struct fl_sheet *sheet, size_t most);

/* The style of a picture that stands alone: its colours in light, dark and print, and its lines. */
FL_MUST int fl_html_picture_style(struct fl_buf *out);

/* A page from its first byte to its first heading, TITLE, with the style of all that is here. */
FL_MUST int fl_html_begin(struct fl_buf *out, const char *title);
FL_MUST int fl_html_end(struct fl_buf *out);

#endif
