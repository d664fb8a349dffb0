/*
 * Any bytes as a contract and as a site file: an error is one of the command line's kind, names the
 * file, and leaves nothing; what is taken has a digest that does not depend on how often it is
 * read.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "data/contract.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(int holds)
{
    if (!holds)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fl_contract one, two;
    struct fl_site_conf site;
    const char *text = (const char *)data;

    if (!fl_contract_parse(&one, text, size, "fuzz")) {
        must(!fl_contract_parse(&two, text, size, "fuzz"));
        must(!memcmp(one.digest, two.digest, sizeof one.digest));
        fl_contract_release(&two);
    } else {
        must(fl_error_status() == FL_USAGE && !strncmp(fl_error_text(), "fuzz: ", 6));
    }
    fl_contract_release(&one);
    if (!fl_site_conf_parse(&site, text, size, "fuzz"))
        (void)fl_site_input(&site, "a/b.csv.gz");
    else
        must(fl_error_status() == FL_USAGE && !strncmp(fl_error_text(), "fuzz: ", 6));
    fl_site_conf_release(&site);
    return 0;
}
