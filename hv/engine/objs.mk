# SPDX-License-Identifier: GPL-2.0-only
core-y += hv/engine/engine.o hv/engine/vcpu.o hv/engine/state.o hv/engine/vm.o hv/engine/vapic.o \
	  hv/engine/vtimer.o hv/engine/cpuid.o hv/engine/hypercall.o hv/engine/fpu.o \
	  hv/engine/doorbell.o
core-$(CONFIG_ENGINE_SVM) += hv/engine/svm.o hv/engine/svm_exit.o hv/engine/svm_inject.o \
			     hv/engine/svm_state.o hv/engine/svm_entry.o
