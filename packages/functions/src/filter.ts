export { handler } from './filter/handler.ts';
