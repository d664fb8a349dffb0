#include "twin.h"

#include "nn/attention.c"
