import { describe, expect, it } from 'vitest';
import { nearestWord } from './suggestion.ts';

describe('nearestWord', () => {
  const commands = ['convert', 'create', 'ztoc create', 'ztoc info', 'inspect', 'verify'];

  it.each([
    ['convrt', 'convert'],
    ['covnert', 'convert'],
    ['inspekt', 'inspect'],
    ['insp', 'inspect'],
    ['ztoc inof', 'ztoc info'],
    ['verfy', 'verify'],
  ])('takes %s for %s', (typed, meant) => {
    expect(nearestWord(typed, commands)).toBe(meant);
  });

  it.each(['push', 'x', '', 'completely-different'])('has no idea what %j stands for', (typed) => {
    expect(nearestWord(typed, commands)).toBeUndefined();
  });
});
