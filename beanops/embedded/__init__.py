"""A beanstalkd of one's own: a real one as a private process."""
