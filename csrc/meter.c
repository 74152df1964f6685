#include "meter.h"

bool mk_meter_poll(mk_meter *meter)
{
    if (!meter->stopped && meter->poll.ask && meter->poll.ask(meter->poll.context) != 0)
        meter->stopped = true;
    meter->next = meter->stopped ? 0 : meter->letters + MK_LETTERS_PER_POLL;
    return !meter->stopped;
}

void mk_meter_resume(mk_meter *meter, mk_poll poll)
{
    meter->poll = poll;
    if (meter->stopped)
        meter->next = meter->letters + MK_LETTERS_PER_POLL;
    meter->stopped = false;
}
