#include "twin.h"

#include "nn/block_back.c"
