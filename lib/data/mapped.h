/* What became of the value of a field that is to be brought to the form of the contract. */
#ifndef FL_DATA_MAPPED_H
#define FL_DATA_MAPPED_H

enum fl_mapped {
    FL_MAPPED_NO_MEMORY = -1, /* the only one with an error recorded */
    FL_MAPPED_SAME,           /* it has that form */
    FL_MAPPED_CHANGED,        /* the result is in the buffer */
    FL_MAPPED_UNKNOWN,        /* it is nothing that is understood: it stays as it is */
    FL_MAPPED_AMBIGUOUS       /* it could be two things: it stays as it is */
};

#endif
