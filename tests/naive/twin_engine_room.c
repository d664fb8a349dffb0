#include "twin.h"

#include "nn/engine_room.c"
