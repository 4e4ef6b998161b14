import { findChromium } from '@soci/test-content';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pictureProblems } from './fixtures/picture-problems.ts';

const executablePath = findChromium();

describe.skipIf(executablePath === undefined)('the pictures of docs, in Chromium,', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: executablePath ?? '', args: ['--no-sandbox', '--disable-gpu'] });
  });
  afterAll(() => browser.close());

  describe.each(['light', 'dark'] as const)('on a %s background', (colorScheme) => {
    it.each(['architecture.svg', 'container-start.svg'])(
      '%s: text is readable, and crosses no box, arrow or other text',
      async (name) => {
        const page = await browser.newPage({ colorScheme });
        await page.goto(new URL(`../../../docs/${name}`, import.meta.url).href);
        const { texts, problems } = await page.evaluate(pictureProblems);
        await page.close();
        expect(texts).toBeGreaterThan(20);
        expect(problems).toEqual([]);
      },
      60_000,
    );
  });

  it('finds text that crosses a border, an arrow and another text, and text without contrast', async () => {
    const page = await browser.newPage();
    await page.goto(new URL('fixtures/bad-picture.svg', import.meta.url).href);
    const { problems } = await page.evaluate(pictureProblems);
    await page.close();
    expect(problems).toEqual([
      '"out of the box" crosses a border',
      '"pale" has a contrast of 1.5',
      '"outside" is outside of the picture',
      '"on a line" is on an arrow',
      '"first" is on "second"',
    ]);
  });
});
