"""What two capabilities do alike: functions of ports and values, which begin and commit nothing."""
