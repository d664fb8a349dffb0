/* The version of all programs, as -V prints it and plans carry it. */
#ifndef FL_BASE_VERSION_H
#define FL_BASE_VERSION_H

#define FL_VERSION "0.2.0"

#endif
