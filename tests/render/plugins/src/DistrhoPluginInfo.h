// What DPF asks of a plug-in before it compiles it. NAME and ID come from the compiler's command line.
#pragma once

#define DISTRHO_PLUGIN_BRAND "Motet"
#define DISTRHO_PLUGIN_NAME NAME
#define DISTRHO_PLUGIN_URI "urn:motet:test:" NAME
#define DISTRHO_PLUGIN_CLAP_ID "motet.test." NAME
#define DISTRHO_PLUGIN_HAS_UI 0
#define DISTRHO_PLUGIN_IS_RT_SAFE 1
#define DISTRHO_PLUGIN_IS_SYNTH 1
#define DISTRHO_PLUGIN_NUM_INPUTS 0
#define DISTRHO_PLUGIN_NUM_OUTPUTS 2
#define DISTRHO_PLUGIN_WANT_MIDI_INPUT 1
#ifdef LATE
#define DISTRHO_PLUGIN_WANT_LATENCY 1
#endif
