#include "twin.h"

#include "nn/transformer.c"
