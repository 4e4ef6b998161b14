// In a file of its own, because describing the settings loads code that an event needs later.

/** Returns whether the input is the request of a state machine for the settings, instead of an event. */
export function asksForSettings(input: unknown): boolean {
  return typeof input === 'object' && input !== null && 'describe' in input && input.describe === 'settings';
}
