#include "meter.h"

bool mk_meter_poll(mk_meter *meter)
{
    meter->next = meter->letters + MK_LETTERS_PER_POLL;
    if (meter->poll.ask && meter->poll.ask(meter->poll.context) != 0)
        meter->stopped = true;
    return !meter->stopped;
}
