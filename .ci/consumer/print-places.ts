import { places } from './places.js';

console.log(await places());
