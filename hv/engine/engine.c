// SPDX-License-Identifier: GPL-2.0-only
// The choice of an engine at boot, and turning it on for each CPU.
#include "core/boot.h"
#include "core/guest.h"
#include "core/log.h"
#include "core/unit.h"
#include "engine/engine.h"
#include <postern/errno.h>

/* Weak: Kconfig decides which are linked. */
extern const struct engine svm_engine __attribute__((weak));

const struct engine *engine;

static void engine_init(void)
{
	char *why = boot_info.engine_reason; /* the boot stage's */

	vm_init();
	engine = &svm_engine;
	if (!engine)
		format_text(why, sizeof(boot_info.engine_reason), "no engine is built in");
	if (why[0])
		engine = NULL;
	boot_info.engine = engine ? engine->number : 0;
	log_printf("engine: %s%s", engine ? engine->name : "none: ", why);
}

static void engine_cpu_init(void)
{
	if (!engine)
		return;
	if (engine->cpu_enable()) {
		log_printf("engine: off, as cpu %u cannot enable it", this_cpu()->id);
		format_text(boot_info.engine_reason, sizeof(boot_info.engine_reason),
			    "processor %u could not enable %s", this_cpu()->id, engine->name);
		boot_info.engine = 0;
		engine = NULL;
		return;
	}
	this_cpu()->engine_on = true;
}

static void engine_shutdown(void)
{
	if (engine && this_cpu()->engine_on)
		engine->cpu_disable();
}

UNIT(engine, UNIT_ENGINE, engine_init, engine_cpu_init, engine_shutdown);
