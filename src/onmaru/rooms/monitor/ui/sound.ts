/** A sound for each urgency, told apart by how many tones and how high; off until somebody turns it on. */
import type { Urgency } from './data';

const TONES: Record<Urgency | 'silent', readonly number[]> = {
  stat: [988, 988, 988, 1319],
  urgent: [784, 784],
  asap: [587],
  routine: [],
  silent: [220, 196],
};
const LENGTH = 0.16;
let context: AudioContext | null = null;

/** What everything is heard through; begun again at each call, for browsers allow no sound before a touch. */
export function allow(): AudioContext {
  context ??= new AudioContext();
  void context.resume();
  return context;
}

export function sound(what: Urgency | 'silent'): void {
  // What is asked for while nothing may be heard would all be heard at once later
  if (context?.state !== 'running') return;
  TONES[what].forEach((pitch, n) => {
    const tone = context!.createOscillator();
    const volume = context!.createGain();
    const start = context!.currentTime + n * LENGTH * 1.4;
    tone.frequency.value = pitch;
    volume.gain.setValueAtTime(0.2, start);
    volume.gain.exponentialRampToValueAtTime(0.001, start + LENGTH);
    tone.connect(volume).connect(context!.destination);
    tone.start(start);
    tone.stop(start + LENGTH);
  });
}
