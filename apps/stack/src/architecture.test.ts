import { expect, it } from 'vitest';
import { drawArchitecture } from './fixtures/draw-architecture.ts';

it('the picture in the documents is drawn from the template', async () => {
  await expect(drawArchitecture()).toMatchFileSnapshot('../../../docs/architecture.svg');
});
