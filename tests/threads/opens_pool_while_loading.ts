import { refuseDuringModuleLoad } from "../../src/worker/threads/mod.ts";
refuseDuringModuleLoad("WorkerServer.start");
