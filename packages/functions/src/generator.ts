export { handler } from './generator/handler.ts';
