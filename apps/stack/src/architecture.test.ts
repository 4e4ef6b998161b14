import { expect, it } from 'vitest';
import { drawArchitecture } from './fixtures/draw-architecture.ts';

it('docs/architecture.svg matches the template', async () => {
  await expect(drawArchitecture()).toMatchFileSnapshot('../../../docs/architecture.svg');
});
