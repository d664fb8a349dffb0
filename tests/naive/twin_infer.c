#include "twin.h"

#include "nn/infer.c"
