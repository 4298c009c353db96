// A synth to test plug-in hosts with: decaying cosines, sixteen at a time. A cosine starts at its peak, so that a note can be
// found in the sound to the sample. One switch of the command line makes it misbehave:
//   CRASHER    reads address 0 when key 66 is struck      HANGER   never returns once key 66 is struck
//   SILENT     plays nothing                              LATE     says that it is 1000 frames late, and is
//   RANDOM     each instance is tuned by chance           LOUD     plays infinities
//   STILLBORN  crashes when it is loaded                  NOISY    plays a note when it is started
//   JEALOUS    crashes when another was loaded before     GREEDY   takes memory without end when it is loaded

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <random>

#include "DistrhoPlugin.hpp"

START_NAMESPACE_DISTRHO

// DPF 1.6 takes the first parameter of a VST3 that hears MIDI for a controller, and reads it as 0: so the first one is idle.
enum Knob { IDLE, LEVEL, DECAY, DETUNE, PARAMETERS };

constexpr int VOICES = 16;
constexpr int DELAY = 1000;
constexpr int FATAL_KEY = 66;
constexpr double TURN = 2 * 3.14159265358979323846;

struct Voice
{
    int key = -1;
    double phase = 0, level = 0;
    bool held = false;
};

static volatile int endless = 1;

class Synth : public Plugin
{
public:
    Synth() : Plugin(PARAMETERS, 0, 0)
    {
        fprintf(stderr, "%s is born\n", NAME);
        printf("%s says hello on standard output\n", NAME);
#ifdef STILLBORN
        crash();
#endif
#ifdef GREEDY
        for (;;)
            std::memset(std::malloc(1 << 26), 1, 1 << 26);
#endif
#ifdef JEALOUS
        const char* const other = getenv("MOTET_TEST_GUEST");
        if (other && std::strcmp(other, NAME))
            crash();
#endif
        setenv("MOTET_TEST_GUEST", NAME, 1);
#ifdef RANDOM
        luck = std::random_device()() / 4294967296.0;
#endif
#ifdef LATE
        setLatency(DELAY);
#endif
    }

protected:
    const char* getLabel() const override { return NAME; }
    const char* getMaker() const override { return "Motet"; }
    const char* getLicense() const override { return "Apache-2.0"; }
    uint32_t getVersion() const override { return d_version(1, 2, 3); }
    int64_t getUniqueId() const override { return d_cconst('M', 'o', 't', ID); }

    void initParameter(uint32_t index, Parameter& parameter) override
    {
        parameter.hints = kParameterIsAutomatable;
        switch (index)
        {
        case IDLE:
            parameter.hints = 0;
            parameter.name = parameter.symbol = "idle";
            break;
        case LEVEL:
            parameter.name = parameter.symbol = "level";
            parameter.ranges = ParameterRanges(0.5f, 0.f, 1.f);
            break;
        case DECAY:
            parameter.name = parameter.symbol = "decay";
            parameter.unit = "s";
            parameter.ranges = ParameterRanges(0.5f, 0.05f, 5.f);
            break;
        case DETUNE:
            parameter.name = parameter.symbol = "detune";
            parameter.unit = "cents";
            parameter.ranges = ParameterRanges(0.f, -100.f, 100.f);
            break;
        }
    }

    float getParameterValue(uint32_t index) const override { return values[index]; }
    void setParameterValue(uint32_t index, float value) override { values[index] = value; }

    void activate() override
    {
        for (Voice& voice : voices)
            voice = Voice();
        for (float& sample : late)
            sample = 0;
        bend = 0;
        now = 0;
#ifdef NOISY
        strike(40, 127);
        release(40);
#endif
    }

    void run(const float**, float** outputs, uint32_t frames, const MidiEvent* events, uint32_t count) override
    {
        uint32_t next = 0;
        for (uint32_t frame = 0; frame < frames; ++frame)
        {
            for (; next < count && events[next].frame <= frame; ++next)
                hear(events[next].data, events[next].size);
            float sample = sound();
#ifdef LATE
            float& slot = late[now];
            now = (now + 1) % DELAY;
            const float earlier = slot;
            slot = sample;
            sample = earlier;
#endif
            outputs[0][frame] = outputs[1][frame] = sample;
        }
    }

private:
    Voice voices[VOICES];
    float values[PARAMETERS] = {0, 0.5f, 0.5f, 0.f};
    float late[DELAY] = {};
    int now = 0;
    int turn = 0;
    double bend = 0;
    double luck = 0;

    static void crash()
    {
        const char* const secret = getenv("MOTET_TEST_SECRET");
        fprintf(stderr, "%s is about to crash and knows %s\n", NAME, secret ? secret : "no secret");
        *reinterpret_cast<volatile int*>(0) = 1;
    }

    void hear(const uint8_t* data, uint32_t size)
    {
        if (size < 3)
            return;
        switch (data[0] & 0xF0)
        {
        case 0x90:
            if (data[2])
                strike(data[1], data[2]);
            else
                release(data[1]);
            break;
        case 0x80:
            release(data[1]);
            break;
        case 0xE0:
            bend = 2.0 * ((data[1] | data[2] << 7) - 8192) / 8192;
            break;
        }
    }

    void strike(int key, int velocity)
    {
#ifdef CRASHER
        if (key == FATAL_KEY)
            crash();
#endif
#ifdef HANGER
        while (key == FATAL_KEY && endless) {}
#endif
        Voice& voice = voices[turn];
        turn = (turn + 1) % VOICES;
        voice.key = key;
        voice.phase = 0;
        voice.level = velocity / 127.0;
        voice.held = true;
    }

    void release(int key)
    {
        for (Voice& voice : voices)
            if (voice.key == key)
                voice.held = false;
    }

    float sound()
    {
#ifdef SILENT
        return 0;
#endif
        const double rate = getSampleRate();
        double sum = 0;
        for (Voice& voice : voices)
        {
            if (voice.level < 1e-6)
                continue;
            sum += voice.level * std::cos(voice.phase);
            const double key = voice.key + bend + values[DETUNE] / 100 + luck;
            voice.phase += TURN * 440 * std::pow(2, (key - 69) / 12) / rate;
            if (voice.phase > TURN)
                voice.phase -= TURN;
            voice.level *= std::exp(-1 / (rate * (voice.held ? values[DECAY] : 0.02)));
        }
#ifdef LOUD
        return sum > 0 ? std::numeric_limits<float>::infinity() : 0;
#endif
        return static_cast<float>(values[LEVEL] * sum);
    }
};

Plugin* createPlugin() { return new Synth(); }

END_NAMESPACE_DISTRHO
